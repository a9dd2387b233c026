variable "aws_access_key_id" {
  description = "Id of the AWS access key."
  type        = string
  sensitive   = true
}

variable "aws_secret_access_key" {
  description = "Secret of the AWS access key."
  type        = string
  sensitive   = true
}

variable "cluster" {
  description = "The cluster's name; the label of everything it owns."
  type        = string
}

variable "ssh_public_key" {
  description = "The public key the administrator comes in with."
  type        = string
}

variable "admin_user" {
  description = "The user that cloud-init makes."
  type        = string
  default     = "admin"
}

variable "servers" {
  description = "Node to what its server shall be."
  type = map(object({
    role      = string
    region    = string
    size      = string
    arch      = string
    ingress   = bool
    protected = bool
  }))
  validation {
    condition     = alltrue([for server in var.servers : contains(["master", "worker"], server.role)])
    error_message = "role of each server must be master or worker."
  }
}
