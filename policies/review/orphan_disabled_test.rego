package grantgate.review_test

account(status, changes) := with_changes({"account": {"status": status}, "grant": changes})

test_account_deprovisioned_revokes if {
	found(account("deprovisioned", {})) == [report("orphan-disabled", "revoke", "high")]
	found(account("deprovisioned", {"state": "suspended", "suspended_at": days(1)})) == [report("orphan-disabled", "revoke", "high")]
}

test_account_suspended_suspends if {
	found(account("suspended", {})) == [report("orphan-disabled", "suspend", "high")]
	found(account("disabled", {})) == [report("orphan-disabled", "suspend", "high")]
	found(account("active", {})) == []
}

test_what_is_suspended_already_is_left_alone if {
	found(account("suspended", {"state": "suspended", "suspended_at": days(1)})) == []
}

test_grant_to_a_group_has_no_account if {
	found(object.remove(healthy, ["account"])) == []
}

test_neither_youth_nor_keep_nor_break_glass_protects_an_orphan if {
	kept := {"review": {"at": days(10), "until": as_of + 1}}
	every changes in [{"granted_at": days(1)}, kept, {"cadence": "break-glass"}] {
		found(account("deprovisioned", changes)) == [report("orphan-disabled", "revoke", "high")]
	}
}

test_orphan_goes_before_dormant if {
	facts := object.union(account("suspended", {}), {"usage": {"dormant": {"last_used_at": days(100)}}})
	found(facts) == [also_report("orphan-disabled", "suspend", "high", ["dormant"])]
}
