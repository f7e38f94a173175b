package grantgate.review_test

all_mfa(tier) := {"grant": {"tier": tier}, "observed": {"mfa": 60}}

test_second_factor_where_every_use_had_it if {
	found(asking(all_mfa("high"))) == [report("second-factor", "tighten", "medium")]
	tightens("second-factor", all_mfa("critical"))
	not tightens("second-factor", all_mfa("medium"))
}

test_one_use_without_it_is_enough_to_leave_it if {
	not tightens("second-factor", object.union(all_mfa("high"), {"observed": {"mfa": 59}}))
}

test_second_factor_is_not_asked_twice_or_of_services if {
	not tightens("second-factor", {"grant": {"tier": "high", "conditions": {"mfa": true}}, "observed": {"mfa": 60}})
	tightens("second-factor", {"grant": {"tier": "high", "conditions": {"networks": ["office"]}}, "observed": {"mfa": 60}})
	not tightens("second-factor", {"grant": {"tier": "high", "principal": "service:invoicer"}, "observed": {"mfa": 60}})
}
