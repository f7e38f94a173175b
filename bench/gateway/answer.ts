/** What the upstream answers. */
export const answer = '{"items":[{"id":"1","name":"a thing"},{"id":"2","name":"another thing"}]}';
