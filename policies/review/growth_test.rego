package grantgate.review_test

grown_to(members, before) := with_changes({"group": {"members": members, "certified_members": before}})

growing := [report("growth", "recertify", "medium")]

test_grown_by_half if {
	found(grown_to(15, 10)) == growing
	found(grown_to(14, 10)) == []
}

test_grown_by_twenty_five if {
	found(grown_to(125, 100)) == growing
	found(grown_to(124, 100)) == []
}

test_only_growth_counts if {
	found(grown_to(1, 0)) == growing
	found(grown_to(0, 0)) == []
	found(grown_to(5, 10)) == []
	found(with_changes({"group": {"members": 100}})) == []
}

test_keep_and_suspension_silence_growth if {
	kept := {"review": {"at": days(10), "until": as_of + 1}}
	found(object.union(grown_to(20, 10), {"grant": kept})) == []
	found(object.union(grown_to(20, 10), {"grant": {"state": "suspended", "suspended_at": days(1)}})) == []
	found(object.union(grown_to(20, 10), {"grant": {"cadence": "break-glass"}})) == growing
}
