package grantgate.review_test

ownerless_since(at) := with_changes({"owner": {"ownerless_since": at}})

test_ownerless_is_reassigned_and_goes_after_thirty_days if {
	found(ownerless_since(days(30) + 1)) == [report("ownerless", "reassign", "medium")]
	found(ownerless_since(days(30))) == [report("ownerless", "revoke", "medium")]
	found(with_changes({"owner": {}})) == []
}

test_suspended_grant_is_not_called_ownerless if {
	found(object.union(ownerless_since(days(40)), {"grant": {"state": "suspended", "suspended_at": days(1)}})) == []
}

test_keep_and_break_glass_give_no_owner if {
	kept := {"review": {"at": days(10), "until": as_of + 1}}
	found(object.union(ownerless_since(days(1)), {"grant": kept})) == [report("ownerless", "reassign", "medium")]
	found(object.union(ownerless_since(days(1)), {"grant": {"cadence": "break-glass"}})) == [report("ownerless", "reassign", "medium")]
}
