package grantgate.review

# METADATA
# title: Never used
# description: Not one allowed request since the grant was given, and it is old enough to expect one.
candidates contains {"detector": "never-used", "action": "revoke"} if unused_since_granted

unused_since_granted if {
	windows["never-used"]
	input.usage["never-used"].allows == 0
}
