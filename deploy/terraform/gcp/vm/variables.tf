variable "project" {
  description = "Google Cloud project that the class runs in"
  type        = string
}

variable "region" {
  description = "region of the class"
  type        = string
  default     = "europe-west1"
}

variable "zone" {
  description = "zone of the machines, inside the region"
  type        = string
  default     = "europe-west1-b"
}

variable "name" {
  description = "name of the class; machines are NAME-0, NAME-1, ..."
  type        = string
  default     = "firedrill"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,24}[a-z0-9]$", var.name))
    error_message = "The name takes 6 to 26 lower-case letters, digits and dashes, and begins with a letter."
  }
}

variable "seats" {
  description = "number of learners, one machine each"
  type        = number
  default     = 1

  validation {
    condition     = var.seats >= 1 && var.seats <= 50 && floor(var.seats) == var.seats
    error_message = "1 to 50 seats."
  }
}

variable "machine_type" {
  description = "two cores carry a learner's stack and two ghosts beside it"
  type        = string
  default     = "e2-standard-2"
}

variable "repository" {
  description = "git address the machines clone Firedrill from"
  type        = string
}

variable "revision" {
  description = "branch or tag to run"
  type        = string
  default     = "main"
}
