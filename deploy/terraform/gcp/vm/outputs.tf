output "open" {
  description = "for each seat: the command that forwards its port to the learner's machine"
  value = [
    for seat in google_compute_instance.seat :
    "gcloud compute start-iap-tunnel ${seat.name} 8080 --local-host-port=localhost:8080 --zone=${var.zone} --project=${var.project}"
  ]
}

output "addresses" {
  description = "for each seat: the page to open while the tunnel is up; the token in it is the seat's secret"
  value       = [for token in random_password.token : "http://localhost:8080/?token=${token.result}"]
  sensitive   = true
}
