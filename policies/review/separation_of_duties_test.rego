package grantgate.review_test

on_duty(operations) := with_changes({"duties": [{"name": "pay-and-approve", "operations": operations}]})

test_one_side_of_a_pair_is_given_up if {
	found(on_duty(["a"])) == [report("separation-of-duties", "narrow", "medium")]
	found(object.union(on_duty(["a"]), {"grant": {"tier": "critical", "review": {"at": days(1)}}})) == [report("separation-of-duties", "narrow", "high")]
	found(on_duty(["a", "b", "c", "d"])) == [report("separation-of-duties", "revoke", "medium")]
	found(on_duty([])) == []
	found(with_changes({"duties": []})) == []
}

test_suspended_and_break_glass_grants_are_no_duty if {
	found(object.union(on_duty(["a"]), {"grant": {"state": "suspended", "suspended_at": days(1)}})) == []
	found(object.union(on_duty(["a"]), {"grant": {"cadence": "break-glass"}})) == []

	all := on_duty(["a", "b", "c", "d"])
	found(object.union(all, {"grant": {"state": "suspended", "suspended_at": days(1)}})) == []
	found(object.union(all, {"grant": {"cadence": "break-glass"}})) == []
}

test_keep_parts_no_duties if {
	kept := {"review": {"at": days(10), "until": as_of + 1}}
	found(object.union(on_duty(["a"]), {"grant": kept})) == [report("separation-of-duties", "narrow", "medium")]
}
