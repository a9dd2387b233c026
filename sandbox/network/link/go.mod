module infra-k3s.invalid/sandbox/link

go 1.26
