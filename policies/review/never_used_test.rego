package grantgate.review_test

never_since(start) := object.union(with_changes(never), {"grant": {"granted_at": start}})

test_never_used_for_thirty_days if {
	found(never_since(days(30))) == [report("never-used", "revoke", "medium")]
	found(never_since(days(30) + 1)) == []
}

test_one_use_since_granted_is_enough if {
	facts := object.union(never_since(days(40)), {"usage": {"never-used": used(1)}})
	found(facts) == []
}

widened_after(last) := object.union(
	never_since(days(300)),
	{"grant": {"active_since": days(40)}, "usage": {"never-used": {"last_used_at": last}}},
)

test_what_was_used_shortly_before_it_was_widened_is_in_use if {
	found(widened_after(days(90) + 1)) == []
	found(widened_after(days(90))) == [report("never-used", "revoke", "medium")]
}

test_never_used_is_not_dormant_as_well if {
	found(never_since(days(400))) == [report("never-used", "revoke", "medium")]
}

test_dormant_judges_where_records_do_not_reach_back_to_granted if {
	facts := object.union(never_since(days(400)), with_coverage("never-used", 0.3))
	found(facts) == [report("dormant", "suspend", "medium")]
	neither := object.union(facts, with_coverage("dormant", 0.5))
	found(neither) == [
		{"detector": "dormant", "verdict": "not-evaluable", "coverage": 0.5},
		{"detector": "never-used", "verdict": "not-evaluable", "coverage": 0.3},
	]
}

test_break_glass_is_never_unused if {
	found(object.union(never_since(days(400)), {"grant": {"cadence": "break-glass"}})) == []
}

test_kept_grant_is_not_reported_as_unused if {
	kept := {"grant": {"review": {"at": days(10), "until": as_of + 1}}}
	found(object.union(never_since(days(400)), kept)) == []
}
