variable "project" {
  description = "Google Cloud project that the class runs in"
  type        = string
}

variable "region" {
  description = "region of the cluster"
  type        = string
  default     = "europe-west1"
}

variable "name" {
  description = "name of the cluster and of the image repository"
  type        = string
  default     = "firedrill"
}

variable "administrators" {
  description = "address ranges from which kubectl may be used, for example [\"203.0.113.7/32\"]"
  type        = list(string)

  validation {
    condition     = length(var.administrators) > 0 && alltrue([for range in var.administrators : can(cidrhost(range, 0)) && range != "0.0.0.0/0"])
    error_message = "At least one address range, and not the whole internet."
  }
}
