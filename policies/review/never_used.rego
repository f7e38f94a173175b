package grantgate.review

# METADATA
# title: Never used
# description: |
#   Not one allowed request since the grant is what it is, and it is old enough to expect one. What was used shortly
#   before it was widened or put back, or before somebody was away, is in use: it has the time that any use leaves it.
candidates contains {"detector": "never-used", "action": "revoke"} if unused_since_granted

unused_since_granted if {
	windows["never-used"]
	input.usage["never-used"].allows == 0
	not used_shortly_before
}

used_shortly_before if input.as_of - input.usage["never-used"].last_used_at < window_seconds.dormant
