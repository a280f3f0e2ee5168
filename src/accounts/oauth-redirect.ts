/** Hears the browser come back to this machine (RFC 8252 section 7.3). */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { AuthorizationError } from './errors.ts'
import { MAX_STRAY_REQUESTS } from './limits.ts'
import type { OAuthProvider } from './oauth-provider.ts'

export interface RedirectListener {
  readonly redirectUri: string
  /**
   * The parameters of the first request to the redirect URI for which `isOwn` holds; nothing is heard after it. All others
   * are refused; too many of them are an AuthorizationError (OAUTH_POLICY). Throws the signal's reason.
   */
  response(isOwn: (parameters: URLSearchParams) => boolean): Promise<URLSearchParams>
  /** Safe to call twice. */
  close(): void
}

/** Listens on 127.0.0.1, on a port that the system chooses, until `signal` aborts or the listener is closed. */
export async function listenForRedirect(
  { redirectHost, mayChoosePath }: Pick<OAuthProvider, 'redirectHost' | 'mayChoosePath'>,
  signal: AbortSignal,
): Promise<RedirectListener> {
  signal.throwIfAborted()
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 })
  server.maxConnections = 16
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const host = `${redirectHost}:${(server.address() as AddressInfo).port}`
  const path = mayChoosePath ? `/${randomBytes(16).toString('base64url')}` : '/'
  return {
    redirectUri: `http://${host}${mayChoosePath ? path : ''}`,
    response: (isOwn) =>
      new Promise((resolve, reject) => {
        let strays = 0
        const onAbort = () => reject(signal.reason)
        if (signal.aborted) return onAbort()
        signal.addEventListener('abort', onAbort, { once: true })
        server.on('request', (request, response) => {
          const parameters = parametersOf(request, host, path)
          if (parameters !== undefined && isOwn(parameters)) {
            // From now on nobody gets in; and the page is out before anything else may go wrong.
            server.close()
            response.once('close', () => {
              signal.removeEventListener('abort', onAbort)
              server.closeAllConnections()
              resolve(parameters)
            })
            return answer(response, 200, HEARD)
          }
          answer(response, 404, 'This is not the page that popkeep waits for.')
          strays += 1
          if (strays < MAX_STRAY_REQUESTS) return
          const message = 'something on this machine disturbs the login with requests of its own'
          reject(new AuthorizationError('OAUTH_POLICY', message))
        })
      }),
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

const HEARD = 'popkeep has heard from your provider. You may close this page.'

/** Undefined unless it asks for our page by our name: a page of another site may have sent it (DNS rebinding). */
function parametersOf(
  { method, url = '', headers }: IncomingMessage,
  host: string,
  path: string,
): URLSearchParams | undefined {
  if (method !== 'GET' || headers.host?.toLowerCase() !== host || !url.startsWith('/')) {
    return undefined
  }
  const [asked, query] = url.split('?', 2)
  return asked === path ? new URLSearchParams(query) : undefined
}

/** Nothing of the request is in the page, and nothing in the page may run, load or be framed. */
function answer(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    connection: 'close',
  })
  response.end(`<!doctype html><title>popkeep</title><p>${sentence}</p>\n`)
}
