/** A static web server on the loopback. */
export interface FolderServer extends AsyncDisposable {
  /** Its address, without a slash at the end. */
  readonly url: string;
  /** Paths that clients asked for. */
  readonly asked: readonly string[];
}

/**
 * Serves the files of a folder as plain text, as servers of raw repository files do: the names alone say what they are.
 */
export function serveFolder(folder: string): FolderServer {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const path = decodeURIComponent(new URL(request.url).pathname);
    asked.push(path);
    try {
      const body = await Deno.readFile(folder + path);
      return new Response(body, { headers: { "content-type": "text/plain; charset=utf-8" } });
    } catch {
      return new Response("there is no such file", { status: 404 });
    }
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
