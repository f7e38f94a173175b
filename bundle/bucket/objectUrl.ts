/** A store that speaks S3's protocol. */
export type Store = {
  region: string;
  /** Where it is, when it is not AWS. */
  endpoint?: string | undefined;
  /** The bucket stands in the path, not in the host's name. */
  pathStyle?: boolean | undefined;
};

/** The address of an object: `https://BUCKET.s3.REGION.amazonaws.com/KEY`, or as the store has it. */
export function objectUrl(
  { bucket, key }: { bucket: string; key: string },
  { region, endpoint = `https://s3.${region}.amazonaws.com`, pathStyle = false }: Store,
): string {
  const url = new URL(endpoint);
  const base = url.pathname.replace(/\/+$/, '');
  if (!pathStyle) url.host = `${bucket}.${url.host}`;
  url.pathname = pathStyle ? `${base}/${bucket}/${key}` : `${base}/${key}`;
  return url.href;
}
