package grantgate.review_test

test_rate_for_a_grant_without_one if {
	tightens("rate-limit", rate)
	not tightens("rate-limit", {})
	not tightens("rate-limit", object.union(rate, {"grant": {"rate": "600/min"}}))
}
