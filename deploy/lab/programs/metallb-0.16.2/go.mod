module holdfast/lab/metallb

go 1.26.0

require go.universe.tf/metallb v0.16.2

// Types alone, for a backend that the lab does not run.
replace github.com/metallb/frr-k8s => ./frr-k8s
