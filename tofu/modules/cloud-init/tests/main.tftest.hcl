variables {
  name           = "node-1"
  ssh_public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFake admin@laptop"
}

run "one_user_by_key" {
  assert {
    condition     = startswith(output.user_data, "#cloud-config\n")
    error_message = "cloud-init knows the document by its first line"
  }
  assert {
    condition = yamldecode(output.user_data) == {
      hostname     = "node-1"
      disable_root = true
      ssh_pwauth   = false
      users = [{
        name                = "admin"
        groups              = ["sudo"]
        shell               = "/bin/bash"
        sudo                = "ALL=(ALL) NOPASSWD:ALL"
        lock_passwd         = true
        ssh_authorized_keys = [var.ssh_public_key]
      }]
    }
    error_message = output.user_data
  }
}

run "refuses_what_is_no_name" {
  command = plan
  variables {
    name = "Node_1"
  }
  expect_failures = [var.name]
}

run "refuses_what_is_no_public_key" {
  command = plan
  variables {
    ssh_public_key = "-----BEGIN OPENSSH PRIVATE KEY-----"
  }
  expect_failures = [var.ssh_public_key]
}

run "refuses_root" {
  command = plan
  variables {
    admin_user = "root"
  }
  expect_failures = [var.admin_user]
}
