terraform {
  required_version = ">= 1.12.0"
  required_providers {
    # 6.0: each resource says its region.
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}
