package grantgate.review_test

last_used(at) := with_changes({"usage": {"dormant": {"last_used_at": at}}})

test_dormant_after_ninety_days_without_use if {
	found(last_used(days(90))) == [report("dormant", "suspend", "medium")]
	found(last_used(days(90) + 0.001)) == []
}

test_dormant_after_forty_five_days_on_sensitive_apis if {
	high := {"grant": {"tier": "high"}}
	found(object.union(last_used(days(45)), high)) == [report("dormant", "suspend", "high")]
	found(object.union(last_used(days(45) + 1), high)) == []
	found(last_used(days(45))) == []
}

test_dormant_when_nothing_was_used_in_the_window if {
	found(with_changes({"usage": {"dormant": unused}})) == [report("dormant", "suspend", "medium")]
}

suspended_at(changes) := with_changes({"grant": object.union({"state": "suspended"}, changes)})

test_suspended_grant_goes_after_thirty_days if {
	found(suspended_at({"suspended_at": days(30)})) == [report("dormant", "revoke", "medium")]
	found(suspended_at({"suspended_at": days(30) + 1})) == []
}

test_suspended_grant_is_not_judged_by_its_use if {
	facts := object.union(suspended_at({"suspended_at": days(3)}), never)
	found(facts) == []
}

test_suspended_grant_stays_while_nobody_knows_since_when if {
	found(suspended_at({})) == [{"detector": "dormant", "verdict": "not-evaluable", "coverage": 0}]
}

test_suspended_break_glass_and_kept_grants_stay if {
	found(suspended_at({"suspended_at": days(60), "cadence": "break-glass"})) == []
	found(suspended_at({"suspended_at": days(60), "review": {"at": days(50), "until": as_of + 1}})) == []
}

test_dormant_when_no_last_use_is_known if {
	usage := object.union(healthy.usage, {"dormant": null})
	silent := object.union(usage, {"dormant": object.remove(unused, ["last_used_at"])})
	facts := object.union(object.remove(healthy, ["usage"]), {"usage": silent})
	found(facts) == [report("dormant", "suspend", "medium")]
}

test_suspended_grant_stays_while_its_account_pauses_and_is_missed_from_when_it_is_back if {
	long := suspended_at({"suspended_at": days(60)})
	every status in ["suspended", "disabled"] {
		found(object.union(long, {"account": {"status": status}})) == []
	}
	back := suspended_at({"suspended_at": days(60), "active_since": days(30) + 1})
	found(back) == []
	found(object.union(back, {"grant": {"active_since": days(30)}})) == [report("dormant", "revoke", "medium")]
}
