/** The server was asked to listen where others could reach it. Code SERVER_NOT_LOOPBACK. */
export class ServerError extends Error {
  override readonly name = 'ServerError'
  readonly code = 'SERVER_NOT_LOOPBACK'
}
