package grantgate.review_test

test_expiry_is_reached_at_its_very_second if {
	found(with_changes({"grant": {"expires_at": as_of}})) == [report("expired", "delete", "low")]
	found(with_changes({"grant": {"expires_at": as_of + 1}})) == [report("expiring", "renew", "low")]
}

test_keep_does_not_hold_what_has_expired if {
	kept := {"at": days(10), "until": as_of + 1}
	found(with_changes({"grant": {"expires_at": days(1), "review": kept}})) == [report("expired", "delete", "low")]
}

test_suspended_and_break_glass_grants_expire_too if {
	found(with_changes({"grant": {"expires_at": days(1), "state": "suspended"}})) == [report("expired", "delete", "low")]
	found(with_changes({"grant": {"expires_at": days(1), "cadence": "break-glass"}})) == [report("expired", "delete", "low")]
}
