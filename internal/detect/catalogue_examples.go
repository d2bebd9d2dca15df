package detect

import "sluice/internal/sigma"

// ExampleSite is the site that the examples of the shipped rules are written
// for.
func ExampleSite() sigma.Site {
	return sigma.Site{
		"own_accounts":      {"111122223333"},
		"public_buckets":    {"open-data"},
		"approved_networks": {"192.0.2.0/24", "10.0.0.0/8"},
		"threat_networks":   {"203.0.113.0/24"},
		"sensitive_keys":    {"*payroll*"},
	}
}
