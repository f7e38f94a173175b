package grantgate.review_test

narrowly(changes) := object.union(with_changes(narrow_use), {"usage": {"over-privileged": changes}})

covering(operations, used_of_them) := object.union(
	narrowly({"operations": used_of_them}),
	{"grant": {"covers": operations}},
)

test_half_of_the_operations_unused if {
	found(narrowly({})) == [report("over-privileged", "narrow", "low")]
	found(narrowly({"operations": ["a", "b", "c"]})) == []
}

test_share_of_unused_operations if {
	found(covering(["a", "b", "c", "d", "e"], ["a", "b", "c"])) == []
	found(covering(["a", "b", "c", "d", "e"], ["a", "b"])) == [report("over-privileged", "narrow", "low")]
	found(covering(["a", "b"], ["a"])) == []
}

test_enough_use_on_enough_days if {
	found(narrowly({"allows": 20, "days_used": 5})) == [report("over-privileged", "narrow", "low")]
	found(narrowly({"allows": 19})) == []
	found(narrowly({"days_used": 4})) == []
}

test_young_grants_are_not_narrowed if {
	found(object.union(narrowly({}), {"grant": {"granted_at": days(90)}})) == [report("over-privileged", "narrow", "low")]
	found(object.union(narrowly({}), {"grant": {"granted_at": days(90) + 1}})) == []
}

test_use_of_operations_the_grant_no_longer_covers_is_no_use_of_it if {
	found(narrowly({"operations": ["x", "y"]})) == []
}

test_nothing_unused_is_never_narrowed if {
	zero := {"thresholds": {"over_privileged": {"unused_share": 0, "unused_operations": 0}}}
	found(object.union(narrowly({"operations": ["a", "b", "c", "d"]}), zero)) == []
}
