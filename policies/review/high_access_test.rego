package grantgate.review_test

certified(at, changes) := with_changes({"grant": object.union({"review": {"at": at}}, changes)})

again := [report("high-access", "recertify", "medium")]

test_sensitive_access_is_certified_every_ninety_days if {
	found(certified(days(90), {"tier": "high"})) == again
	found(certified(days(90) + 1, {"tier": "high"})) == []
	found(certified(days(90), {"tier": "critical"})) == again
}

test_other_access_is_certified_every_half_year if {
	found(certified(days(180), {})) == again
	found(certified(days(180) + 1, {})) == []
	found(certified(days(180), {"tier": "low"})) == again
}

test_what_was_never_certified_counts_from_its_grant if {
	found(with_changes({"grant": {"granted_at": days(180), "review": {"at": 0}}})) == again
	found(with_changes({"grant": {"granted_at": days(180) + 1, "review": {"at": 0}}})) == []
	every grant in [{"granted_at": days(200)}] {
		found(object.union(object.remove(healthy, ["grant"]), {"grant": object.union(object.remove(healthy.grant, ["review"]), grant)})) == again
	}
}

test_keep_holds_and_suspended_grants_are_not_certified if {
	found(certified(days(200), {"review": {"at": days(200), "until": as_of + 1}})) == []
	found(certified(days(200), {"state": "suspended", "suspended_at": days(1)})) == []
	found(certified(days(200), {"cadence": "break-glass"})) == again
}
