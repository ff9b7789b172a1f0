// Stands in for this module, which MetalLB wants at v0.0.27: some proxies refuse that version, and v0.0.21, which they have, lacks fields.
module github.com/metallb/frr-k8s

go 1.25.0
