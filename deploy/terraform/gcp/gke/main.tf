# A class in a cluster: Autopilot, private nodes; the seats themselves are deploy/k8s, applied to it with kubectl afterwards.
terraform {
  required_version = ">= 1.5"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 5.0"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

resource "google_container_cluster" "class" {
  name                = var.name
  location            = var.region
  enable_autopilot    = true
  deletion_protection = false

  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = false
  }

  # Who may talk to the cluster's own interface; nobody else.
  master_authorized_networks_config {
    dynamic "cidr_blocks" {
      for_each = var.administrators
      content {
        cidr_block = cidr_blocks.value
      }
    }
  }

  ip_allocation_policy {}
}

# Where the image is kept that the seats run.
resource "google_artifact_registry_repository" "images" {
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"
}
