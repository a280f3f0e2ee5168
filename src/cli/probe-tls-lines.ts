/** What TLS showed of a server: its certificates, whether they are accepted, and what to do if not. */
import type { Account } from '../accounts/account.ts'
import type { ServerReport } from '../client/probe.ts'
import type { CertificateFacts } from '../net/certificate.ts'
import type { NetworkError } from '../net/errors.ts'
import { counted } from './columns.ts'
import { type Row, section } from './probe-section.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** Certificates of large hosters are for hundreds of names. */
const NAMES_SHOWN = 8

/** Empty strings where there was no TLS. `now` in ms. */
export function tlsSections(
  account: Account,
  { peer, certificateProblem }: Pick<ServerReport, 'peer' | 'certificateProblem'>,
  now: number,
): readonly string[] {
  const tls = peer?.tls
  if (!tls) return []
  const [own, ...issuers] = tls.chain
  return [
    section('TLS', [
      ['version', `${tls.version}, ${tls.cipher}`],
      [
        'trusted',
        certificateProblem ? `no: ${withoutPlace(certificateProblem, account)}` : why(account),
      ],
      ['what to do', certificateProblem && adviceOn(certificateProblem, account, own)],
    ]),
    own ? section('Certificate of the server', serverCertificateRows(own, now)) : '',
    ...issuers.map((issuer) => section('Signed by', issuerRows(issuer, now))),
  ]
}

/** With the names that it is for. */
function serverCertificateRows(certificate: CertificateFacts, now: number): readonly Row[] {
  return [
    ['subject', certificate.subject],
    ['names', names(certificate)],
    ...signatureRows(certificate, now),
    ['pin', certificate.pin],
  ]
}

function issuerRows(certificate: CertificateFacts, now: number): readonly Row[] {
  return [['subject', certificate.subject], ...signatureRows(certificate, now)]
}

function signatureRows(certificate: CertificateFacts, now: number): readonly Row[] {
  const { issuer, fingerprint, isSelfSigned } = certificate
  return [
    ['issuer', isSelfSigned ? 'itself' : issuer],
    ['valid', validity(certificate, now)],
    ['fingerprint', fingerprint],
  ]
}

function validity({ validFrom, validTo }: CertificateFacts, now: number): string {
  const days = Math.floor((Date.parse(validTo) - now) / DAY_MS)
  const span = `${validFrom} to ${validTo}`
  if (Number.isNaN(days)) return span
  if (days < 0) return `${span}, expired ${counted(-days, 'day')} ago`
  if (Date.parse(validFrom) > now) return `${span}, not yet`
  return `${span}, ${counted(days, 'day')} left`
}

function names({ names: all }: CertificateFacts): string {
  if (all.length === 0) return 'none: it is for no host'
  const more = all.length - NAMES_SHOWN
  const shown = all.slice(0, NAMES_SHOWN).join(', ')
  return more > 0 ? `${shown} and ${more} more` : shown
}

function why({ pin, ca }: Account): string {
  if (pin !== undefined)
    return 'yes, its key is the pinned one; chain, names and dates do not count'
  const signer =
    ca === undefined ? 'an authority that this machine trusts' : 'the given CA certificates'
  return `yes, for this host, signed by ${signer}`
}

/** The host stands above. */
function withoutPlace({ message }: NetworkError, { host, port }: Account): string {
  const place = [`${host}:${port}: `, `[${host}]:${port}: `].find((text) =>
    message.startsWith(text),
  )
  return place === undefined ? message : message.slice(place.length)
}

/**
 * A pin is offered last, and only for a key that the server's owner confirms: what was shown here may come from
 * whoever stands in between.
 */
function adviceOn(
  problem: NetworkError,
  account: Account,
  certificate: CertificateFacts | undefined,
): string {
  if (account.pin !== undefined) {
    return (
      "Ask the server's owner whether its key was changed; if not, somebody stands in between. Do not take the " +
      'new pin from here.'
    )
  }
  const pin = certificate
    ? ' Only if the owner tells you the pin below by another way: --tls-pin trusts that key.'
    : ''
  return `${firstAdvice(problem)}${pin}`
}

function firstAdvice({ message, cause }: NetworkError): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return 'Use the name that the certificate is for, if it is the same server.'
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return "Check the clock here; then the server's owner has to renew it."
  }
  if (/self-signed|signed the certificate/.test(message)) {
    return "Ask the server's owner for the certificate of the CA, and give it with --tls-ca."
  }
  return "Ask the server's owner."
}
