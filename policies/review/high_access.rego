package grantgate.review

# METADATA
# title: Access to be certified again
# description: Nobody has answered for the grant for long; sooner asked on APIs of tier high and critical.
candidates contains {"detector": "high-access", "action": "recertify"} if {
	recertifiable
	input.as_of - certified_at >= certification_days * day
}

certification_days := input.thresholds.high_access.days if {
	sensitive
} else := input.thresholds.high_access.days_others
