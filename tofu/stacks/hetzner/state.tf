# State and plan are encrypted before they leave this machine; nothing reads or writes them in the clear.
# https://opentofu.org/docs/language/state/encryption/
terraform {
  required_version = ">= 1.12.0"

  # R2. Its key comes from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: values of this block are kept as plain text.
  backend "s3" {
    bucket       = var.state.bucket
    key          = "hetzner.tfstate"
    region       = "auto"
    endpoints    = { s3 = var.state.endpoint }
    use_lockfile = true

    # R2 is S3 without the rest of AWS, and refuses the checksums that AWS's SDK adds.
    use_path_style              = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_region_validation      = true
    skip_requesting_account_id  = true
    skip_s3_checksum            = true
  }

  encryption {
    key_provider "pbkdf2" "passphrase" {
      passphrase = var.state_passphrase
      # The least OpenTofu takes: the passphrase is 32 random characters or more, which no guessing gets at.
      iterations = 200000
    }
    method "aes_gcm" "passphrase" {
      keys = key_provider.pbkdf2.passphrase
    }
    state {
      method   = method.aes_gcm.passphrase
      enforced = true
    }
    plan {
      method   = method.aes_gcm.passphrase
      enforced = true
    }
  }
}

variable "state" {
  description = "Where the state is: bucket, and R2's endpoint of the account."
  type        = object({ bucket = string, endpoint = string })
}

variable "state_passphrase" {
  description = "What state and plan are encrypted with: 32 random characters or more."
  type        = string
  sensitive   = true
  validation {
    condition     = length(var.state_passphrase) >= 32
    error_message = "state_passphrase must have 32 characters or more."
  }
}
