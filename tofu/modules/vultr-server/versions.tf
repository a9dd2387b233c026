terraform {
  # 1.12: prevent_destroy takes a variable.
  required_version = ">= 1.12.0"
  required_providers {
    vultr = {
      source  = "vultr/vultr"
      version = "~> 2.26"
    }
  }
}
