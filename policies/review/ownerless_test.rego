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

test_going_ownerless_is_a_removal_and_a_new_owner_is_none if {
	dormant := {"usage": {"dormant": unused}}
	found(object.union(ownerless_since(days(30)), dormant)) == [also_report("ownerless", "revoke", "medium", ["dormant"])]
	found(object.union(ownerless_since(days(30) + 1), dormant)) == [also_report("dormant", "suspend", "medium", ["ownerless"])]
	gone := {"account": {"status": "deprovisioned"}}
	found(object.union(ownerless_since(days(30)), gone)) == [also_report("orphan-disabled", "revoke", "high", ["ownerless"])]
	high := {"grant": {"tier": "high"}}
	found(object.union(ownerless_since(days(30)), high)) == [report("ownerless", "revoke", "high")]
	found(object.union(ownerless_since(days(30) + 1), high)) == [report("ownerless", "reassign", "medium")]
}

test_owner_of_whom_no_directory_can_tell_is_asked_about_however_long if {
	untold := {"owner": {"untold": true}}
	found(object.union(ownerless_since(days(400)), untold)) == [report("ownerless", "reassign", "medium")]
}

test_owner_who_may_come_by_tokens_is_no_reason_to_revoke_where_no_records_tell if {
	by_tokens := object.union(ownerless_since(days(400)), {"owner": {"by_tokens": true}})
	found(by_tokens) == [report("ownerless", "revoke", "medium")]
	found(object.union(by_tokens, {"usage": {"dormant": {"coverage": 0.9}}})) == [report("ownerless", "reassign", "medium")]
}
