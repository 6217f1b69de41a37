/**
 * Longest name that becomes a file name unshortened, characters: the whole path of a socket is limited to about 100
 * bytes.
 */
const LONGEST = 60;

/**
 * Returns the name of a runner's folder and tmux socket: readable, and percent-encoded so that no name is a path. `+`
 * separates namespace and name, so that the result is unique. A long one is cut and ends with a digest.
 *
 * @param namespace As returned by `readNamespace`.
 * @param name Name of the runner.
 * @param digestOf Returns the digest of a text as hex digits.
 */
export function instanceName(namespace: string, name: string, digestOf: (text: string) => string): string {
  const own = encode(name);
  const encoded = namespace === ""
    ? own.replace(/^\.+$/, (dots) => dots.replaceAll(".", "%2E"))
    : `${encode(namespace.slice(0, -1))}+${own}`;
  if (encoded.length <= LONGEST) return encoded;
  return `${encoded.slice(0, 40)}~${digestOf(encoded).slice(0, 16)}`;
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll("~", "%7E");
}
