package grantgate.review

# METADATA
# title: A smaller group
# description: |
#   Of the group that holds the grant only some use it, and all of them are in another group, inside of it and not more
#   than a share of its size; or it is one person.
candidates contains {"detector": "smaller-group", "action": "tighten"} if {
	seen_often("smaller-group")
	input.observed.principal
	input.observed.members <= input.thresholds.recommend.members_share * input.group.members
}
