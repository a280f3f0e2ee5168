import { describe } from 'vitest'
import { describeAccounts } from './ledger-account-contract.ts'
import { archives } from './ledger-archives.ts'
import { describeIntake } from './ledger-intake-contract.ts'
import { describeRecord } from './ledger-record-contract.ts'

describe.each(archives)('a ledger in $name', ({ start }) => {
  describeIntake(start)
  describeRecord(start)
  describeAccounts(start)
})
