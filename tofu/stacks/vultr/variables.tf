variable "vultr_api_key" {
  description = "Vultr's API key."
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
  validation {
    condition     = alltrue([for server in var.servers : server.arch == "amd64"])
    error_message = "arch of each server must be amd64: Vultr has no arm64 instances."
  }
}
