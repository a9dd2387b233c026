module infra-k3s.invalid/sandbox/images

go 1.26
