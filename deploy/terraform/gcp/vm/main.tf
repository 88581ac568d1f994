# One virtual machine a learner, none of them reachable from outside: a learner comes in through Identity-Aware Proxy
# (the command is an output), so there is no public address, no open port and no certificate to keep.
terraform {
  required_version = ">= 1.5"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 5.0"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.6"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region
  zone    = var.zone
}

resource "google_compute_network" "class" {
  name                    = var.name
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "class" {
  name                     = var.name
  network                  = google_compute_network.class.id
  region                   = var.region
  ip_cidr_range            = "10.77.0.0/24"
  private_ip_google_access = true
}

# The machines fetch Debian's packages and the sources, and nobody reaches them.
resource "google_compute_router" "class" {
  name    = var.name
  network = google_compute_network.class.id
  region  = var.region
}

resource "google_compute_router_nat" "class" {
  name                               = var.name
  router                             = google_compute_router.class.name
  region                             = var.region
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"
}

# The range is the one Identity-Aware Proxy forwards from. 8080 is the seat, 22 is for whoever looks after it.
resource "google_compute_firewall" "iap" {
  name          = "${var.name}-iap"
  network       = google_compute_network.class.id
  direction     = "INGRESS"
  source_ranges = ["35.235.240.0/20"]
  target_tags   = [var.name]

  allow {
    protocol = "tcp"
    ports    = ["22", "8080"]
  }
}

resource "google_service_account" "seat" {
  account_id   = var.name
  display_name = "Firedrill seat, without any role"
}

resource "random_password" "token" {
  count   = var.seats
  length  = 43
  special = false
}

resource "google_compute_instance" "seat" {
  count        = var.seats
  name         = "${var.name}-${count.index}"
  machine_type = var.machine_type
  tags         = [var.name]

  boot_disk {
    initialize_params {
      image = "debian-cloud/debian-12"
      size  = 20
    }
  }

  network_interface {
    subnetwork = google_compute_subnetwork.class.id
  }

  # The token is in the machine's metadata, which only the project's members and the machine itself can read.
  metadata = {
    firedrill-token      = random_password.token[count.index].result
    firedrill-repository = var.repository
    firedrill-version    = var.revision
    enable-oslogin       = "TRUE"
  }
  metadata_startup_script = file("${path.module}/start.sh")

  service_account {
    email  = google_service_account.seat.email
    scopes = []
  }

  shielded_instance_config {
    enable_secure_boot = true
  }
}
