/** Of the process's environment only what a transport needs: nothing that moves, traces, prompts or starts programs. */
const passed =
  /^(?:PATH|HOME|TMPDIR|TEMP|TMP|SYSTEMROOT|(?:https?|all|no)_proxy|GIT_SSL_(?:CAINFO|CAPATH)|SSL_CERT_(?:FILE|DIR)|GIT_EXEC_PATH|GIT_TEST_ASSUME_DIFFERENT_OWNER)$/i;

/** They come last, so nothing that a repository or a user has configured outweighs them. */
const settings: Readonly<Record<string, string>> = {
  'color.ui': 'false',
  'core.attributesFile': '/dev/null',
  'core.fsmonitor': 'false',
  'core.hooksPath': '/dev/null',
  'core.quotePath': 'false',
  'credential.helper': '',
  'fetch.writeCommitGraph': 'false',
  'gc.auto': '0',
  'gc.packRefs': 'false',
  // Redirects could lead the credentials, and us, to another host.
  'http.followRedirects': 'false',
  'http.lowSpeedLimit': '100',
  'http.lowSpeedTime': '30',
  'log.showRoot': 'true',
  // It would start the repository's own `gpg.program`.
  'log.showSignature': 'false',
  'maintenance.auto': 'false',
  'safe.bareRepository': 'all',
};

export type GitSurroundings = {
  /** The one transport allowed. */
  protocol: 'file' | 'http' | 'https';
  /**
   * A configuration file of our own in place of the user's and the machine's. null: theirs, for the folders of other
   * people that they trust (`safe.directory`), which Git takes from nowhere else.
   */
  globalConfig: string | null;
  /** Sent as a header to this origin only; kept out of argv, where every user of the machine could read it. */
  credentials?: { origin: string; authorization: string };
  /** Further settings. */
  config?: Readonly<Record<string, string>>;
  /** Further variables of our own. */
  env?: Readonly<Record<string, string>>;
};

/** The environment of every Git we start. */
export function gitEnvironment({
  protocol,
  globalConfig,
  credentials,
  config: more = {},
  env: own = {},
}: GitSurroundings): Record<string, string> {
  const config = Object.entries({ ...settings, ...more });
  if (credentials)
    config.push([`http.${credentials.origin}/.extraHeader`, `Authorization: ${credentials.authorization}`]);
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined && (passed.test(name) || (globalConfig === null && name === 'XDG_CONFIG_HOME')))
      env[name] = value;
  // Git would believe the environment before the setting, and so another authority than the one configured.
  if (config.some(([key]) => key.endsWith('.sslCAInfo'))) delete env.GIT_SSL_CAINFO;
  Object.assign(env, {
    LC_ALL: 'C',
    GIT_ALLOW_PROTOCOL: protocol,
    GIT_ASKPASS: '',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_CONFIG_COUNT: String(config.length),
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_PAGER: 'cat',
    GIT_TERMINAL_PROMPT: '0',
  });
  if (globalConfig !== null)
    Object.assign(env, { GIT_CONFIG_GLOBAL: globalConfig, GIT_CONFIG_NOSYSTEM: '1' });
  for (const [index, [key, value]] of config.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return { ...env, ...own };
}
