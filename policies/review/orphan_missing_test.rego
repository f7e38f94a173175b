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

replaced(changes) := object.union(with_changes({"account": {"group_replaced_at": days(5)}}), {"grant": changes})

test_name_that_went_to_another_group_since_somebody_answered_is_asked_about if {
	found(replaced({"review": {"at": days(10)}})) == asked
	found(replaced({"review": {"at": days(5)}})) == []

	# Who kept it until then kept it for the group that was.
	found(replaced({"review": {"at": days(10), "until": as_of + 1}})) == asked
	found(replaced({"state": "suspended", "suspended_at": days(1)})) == []
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

by_tokens(changes) := object.union(
	with_changes({"account": object.union({"absences": [absence(9, 48)], "by_tokens": true}, changes)}),
	{"grant": {"review": {"at": days(10)}}},
)

where_covered(share) := {"usage": {"dormant": {"coverage": share}}}

test_what_tokens_may_bring_is_taken_only_where_records_show_that_none_did if {
	found(by_tokens({})) == gone
	found(object.union(by_tokens({}), where_covered(0.95))) == gone
	found(object.union(by_tokens({}), where_covered(0.949))) == asked
	found(object.union(by_tokens({}), where_covered(0))) == asked
	found(object.union(missing([absence(2, 24)]), where_covered(0))) == gone
}

test_what_tokens_brought_as_lately_as_any_use_counts_is_asked_about if {
	found(by_tokens({"brought_at": days(90) + 1})) == asked
	found(by_tokens({"brought_at": days(90)})) == gone
	yearly := {"grant": {"cadence": "annual", "granted_at": days(1000)}}
	found(object.union(by_tokens({"brought_at": days(91)}), yearly)) == asked
}

test_whoever_was_never_known_is_asked_about_though_they_were_missing_from_the_first if {
	since := {"account": {"absences": [{"syncs": 9, "from": days(400), "to": as_of}], "by_tokens": true}}
	unreviewed := object.remove(healthy, ["grant"])
	grant := object.remove(healthy.grant, ["review"])
	unknown := object.union(object.union(unreviewed, {"grant": object.union(grant, {"granted_at": days(170)})}), since)
	late := {"account": {"absences": [{"syncs": 9, "from": days(170), "to": as_of}]}}
	found(object.union(object.union(unknown, late), where_covered(0))) == asked
	found(object.union(object.union(object.union(unknown, late), where_covered(0)), {"account": {"brought_at": as_of}})) == []
}

test_silence_that_nobody_need_have_broken_takes_nothing_that_tokens_may_bring if {
	break_glass := {"grant": {"cadence": "break-glass"}}
	found(object.union(by_tokens({}), break_glass)) == asked
	young := {"grant": {"active_since": days(90) + 1}}
	found(object.union(by_tokens({}), young)) == asked
	found(object.union(by_tokens({}), {"grant": {"active_since": days(90)}})) == gone
}

awaited(hours) := {"account": {"absences": [absence(9, hours)], "awaited": ["hr"]}}

test_who_may_have_moved_to_a_provider_that_was_not_read_since_is_asked_about if {
	old := {"grant": {"review": {"at": days(60)}}}
	found(object.union(with_changes(awaited(48)), old)) == asked
	found(object.union(with_changes(awaited((30 * 24) - 1)), old)) == asked
	found(object.union(with_changes(awaited(30 * 24)), old)) == gone
	found(object.union(with_changes(awaited(48)), {"grant": {"review": {"at": days(2)}}})) == []
	other := {"account": {"id_changed_at": days(5)}}
	found(object.union(object.union(with_changes(awaited(48)), old), other)) == gone
}

unread(at) := {"account": {"absences": [], "unread_since": at}, "grant": {"review": {"at": days(60)}}}

test_whom_no_provider_reads_any_more_somebody_is_asked_about_once if {
	found(with_changes(unread(days(1)))) == asked
	found(with_changes(unread(days(1) + 1))) == []
	found(object.union(with_changes(unread(days(70))), {"grant": {"review": {"at": days(60)}}})) == []
	suspended := {"grant": {"state": "suspended", "suspended_at": days(1)}}
	found(object.union(with_changes(unread(days(2))), suspended)) == []
	other := {"account": {"id_changed_at": days(5)}}
	found(object.union(with_changes(unread(days(2))), other)) == gone
}

kept_until(at) := {"grant": {"review": {"at": days(1), "until": at}}}

test_an_answer_holds_until_the_day_that_it_names if {
	found(object.union(with_changes(brought(as_of)), kept_until(as_of + 1))) == []
	found(object.union(with_changes(brought(as_of)), kept_until(as_of))) == asked
	found(object.union(with_changes(awaited(48)), kept_until(as_of))) == asked
	found(object.union(with_changes(unread(days(2))), kept_until(as_of))) == asked
}
