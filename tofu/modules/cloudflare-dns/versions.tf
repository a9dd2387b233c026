terraform {
  required_version = ">= 1.12.0"
  required_providers {
    # 5.13: the resources of a token policy are JSON.
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 5.13"
    }
  }
}
