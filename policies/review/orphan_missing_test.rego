package grantgate.review_test

missing(absences) := object.union(object.remove(healthy, ["account"]), {"account": {"absences": absences}})

absence(syncs, hours) := {"syncs": syncs, "from": as_of - (hours * 3600), "to": as_of}

gone := [report("orphan-missing", "revoke", "high")]

test_missing_from_two_syncs_a_day_apart if {
	found(missing([absence(2, 24)])) == gone
	found(missing([absence(1, 24)])) == []
	found(missing([{"syncs": 2, "from": as_of - 86399, "to": as_of}])) == []
	found(missing([])) == []
}

test_missing_from_every_provider if {
	found(missing([absence(2, 24), absence(9, 900)])) == gone
	found(missing([absence(2, 24), absence(1, 0)])) == []
}

test_login_that_was_given_to_somebody_else_since_the_grant if {
	found(with_changes({"account": {"id_changed_at": days(400) + 1}})) == gone
	found(with_changes({"account": {"id_changed_at": days(400)}})) == []
}

test_neither_keep_nor_suspension_protects_who_is_missing if {
	kept := {"review": {"at": days(10), "until": as_of + 1}}
	every changes in [kept, {"cadence": "break-glass"}, {"state": "suspended", "suspended_at": days(1)}] {
		found(object.union(missing([absence(2, 24)]), {"grant": changes})) == gone
		found(with_changes({"account": {"id_changed_at": days(1)}, "grant": changes})) == gone
	}
}

brought(at) := {"account": {"absences": [absence(9, 48), absence(2, 24)], "brought_at": at}}

asked := [report("orphan-missing", "recertify", "medium")]

test_group_that_tokens_bring_is_asked_about if {
	old := {"grant": {"review": {"at": days(10)}}}
	found(object.union(with_changes(brought(as_of - 3600)), old)) == asked
	high := {"grant": {"tier": "critical", "review": {"at": days(1) - 1}}}
	found(object.union(with_changes(brought(as_of - 3600)), high)) == asked
	few := {"account": {"absences": [absence(1, 24)], "brought_at": as_of}}
	found(object.union(with_changes(few), old)) == []
}

test_group_that_tokens_bring_is_asked_about_once if {
	answered := {"grant": {"review": {"at": days(1)}}}
	found(object.union(with_changes(brought(as_of)), answered)) == []
	kept := {"grant": {"review": {"at": days(10), "until": as_of + 1}}}
	found(object.union(with_changes(brought(as_of)), kept)) == []
}

test_question_about_a_group_keeps_no_removal_back if {
	dormant := {"usage": {"dormant": unused}}
	found(object.union(with_changes(brought(as_of)), dormant)) == [also_report("dormant", "suspend", "medium", ["orphan-missing"])]
}
