module infra-k3s.invalid/test/scan

go 1.26
