/**
 * All ways to log in, as `auth` may name them: the SASL names, USER for USER and PASS, APOP. The best first.
 */
export const SUPPORTED_MECHANISMS: readonly string[] = [
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-1',
  'PLAIN',
  'USER',
  'LOGIN',
  'CRAM-MD5',
  'APOP',
  'XOAUTH2',
  'OAUTHBEARER',
  'EXTERNAL',
]
