module holdfast/lab/metallb

go 1.25.0

require go.universe.tf/metallb v0.15.3
