output "credentials" {
  description = "command that points kubectl at the cluster"
  value       = "gcloud container clusters get-credentials ${google_container_cluster.class.name} --region ${var.region} --project ${var.project}"
}

output "image" {
  description = "name to push the image under, and to put into deploy/k8s/kustomization.yaml"
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}/firedrill"
}
