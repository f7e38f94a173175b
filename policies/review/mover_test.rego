package grantgate.review_test

standing(groups, manager) := with_changes({"account": {
	"groups": groups,
	"manager": manager,
	"certified": {"groups": ["group:desk"], "manager": "dana"},
}})

moving := [report("mover", "recertify", "medium")]

test_moved_to_another_group_or_manager if {
	found(standing(["group:desk"], "dana")) == []
	found(standing(["group:night"], "dana")) == moving
	found(standing(["group:desk", "group:night"], "dana")) == moving
	found(standing(["group:desk"], "ruth")) == moving
	found(standing(["group:desk"], null)) == moving
}

test_nobody_moved_where_the_past_is_not_known if {
	found(with_changes({"account": {"groups": ["group:night"], "manager": "ruth"}})) == []
}

test_keep_and_suspension_silence_a_move if {
	kept := {"review": {"at": days(10), "until": as_of + 1}}
	found(object.union(standing([], null), {"grant": kept})) == []
	found(object.union(standing([], null), {"grant": {"state": "suspended", "suspended_at": days(1)}})) == []
	found(object.union(standing([], null), {"grant": {"cadence": "break-glass"}})) == moving
}
