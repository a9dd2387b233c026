variable "cluster" {
  description = "The cluster's name; the label of everything it owns."
  type        = string
  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$", var.cluster))
    error_message = "cluster must be lowercase letters, digits and '-', starting with a letter, at most 30."
  }
}

variable "name" {
  description = "The node's name; the server's, too."
  type        = string
  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$", var.name))
    error_message = "name must be lowercase letters, digits and '-', starting with a letter, at most 30."
  }
}

variable "region" {
  description = "The provider's name of the region, e.g. fsn1."
  type        = string
  validation {
    condition     = length(var.region) > 0
    error_message = "region must not be empty."
  }
}

variable "size" {
  description = "The provider's name of the server type, e.g. cx33."
  type        = string
  validation {
    condition     = length(var.size) > 0
    error_message = "size must not be empty."
  }
}

variable "ingress" {
  description = "Lets HTTP and HTTPS in from the internet."
  type        = bool
  default     = false
}

variable "protected" {
  description = "Turns the provider's own protection against deletion on."
  type        = bool
  default     = false
}

variable "admin_user" {
  description = "The user that cloud-init makes: SSH by key, sudo without a password."
  type        = string
  default     = "admin"
  validation {
    condition     = can(regex("^[a-z_][a-z0-9_-]{0,31}$", var.admin_user)) && var.admin_user != "root"
    error_message = "admin_user must be a user name, and not root."
  }
}

variable "ssh_public_key" {
  description = "The public key the administrator comes in with."
  type        = string
  validation {
    condition     = can(regex("^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp256|sk-ssh-ed25519@openssh.com) [A-Za-z0-9+/=]+( [^\\n]*)?$", var.ssh_public_key))
    error_message = "ssh_public_key must be one line of a public key file, such as ssh-ed25519 AAAA…"
  }
}

variable "ssh_key_id" {
  description = "The id of the SSH key at the provider."
  type        = string
}
