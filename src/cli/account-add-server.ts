/** How `account add` reaches the network: to find a server, and to log in once. */
import { Resolver } from 'node:dns/promises'
import type { DiscoveryPorts } from '../accounts/discovery.ts'
import type { Credential } from '../client/credential.ts'
import { greet, type ServerOptions as Server } from '../client/greeting.ts'
import { createMaildrop } from '../client/maildrop.ts'
import type { DropListing } from '../pop3/listing.ts'
import type { AccountLogin } from './compose.ts'

/**
 * What a search for servers reaches the world by, all of it before anybody has agreed to a server: what proves who asks
 * stays here, a client certificate too. With a proxy the DNS is not asked, since its servers would see past the proxy
 * whose mail it is; the proxy looks up the names that are tried.
 */
export function discoveryPorts({
  ca,
  pin,
  proxy,
}: Pick<Server, 'ca' | 'pin' | 'proxy'>): DiscoveryPorts {
  const ask = <T>(
    signal: AbortSignal,
    question: (resolver: Resolver) => Promise<readonly T[]>,
  ): Promise<readonly T[]> =>
    proxy === undefined ? withResolver(signal, question) : Promise.resolve([])
  return {
    resolveSrv: (name, signal) => ask(signal, (resolver) => resolver.resolveSrv(name)),
    resolveMx: (name, signal) => ask(signal, (resolver) => resolver.resolveMx(name)),
    async probe(server, signal) {
      const { wire } = await greet({ ca, pin, proxy, ...server }, signal)
      wire.send([{ keyword: 'QUIT' }])
      wire.close()
      return true
    },
    random: Math.random,
  }
}

async function withResolver<T>(
  signal: AbortSignal,
  ask: (resolver: Resolver) => Promise<T>,
): Promise<T> {
  const resolver = new Resolver()
  const cancel = (): void => resolver.cancel()
  signal.addEventListener('abort', cancel)
  try {
    return await ask(resolver)
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

/**
 * Logs in once, counts the messages and leaves. A token of another user may get in and fail only then. Throws what opening
 * a maildrop throws, a refused login with the hint of its provider.
 */
export async function tryLogin(
  { account, server, explained }: Omit<AccountLogin, 'credential'>,
  credential: Credential,
  signal: AbortSignal,
): Promise<DropListing> {
  const { user, auth } = account
  const options = { ...server, user, auth, credential, pipelining: false }
  try {
    const session = await createMaildrop(options).open(signal)
    try {
      const drop = await session.stat()
      await session.quit()
      return drop
    } finally {
      session.close()
    }
  } catch (error) {
    throw explained(error)
  }
}
