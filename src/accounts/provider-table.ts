/**
 * Providers, from their own help pages and from Thunderbird's ispdb (March 2026). A row is here only if its server was
 * found in one of them. Rows are looked up in this order.
 */
import type { MailProvider, PopServer } from './mail-provider.ts'

/** Lists are words with blanks between. Unsaid: TLS on port 995, the address as user, a password. */
interface Row {
  readonly domains?: string
  readonly server?: PopServer
  readonly others?: string
  readonly exchangers?: string
  readonly user?: MailProvider['user']
  readonly login?: MailProvider['login']
  readonly oauth?: MailProvider['oauth']
  readonly hint?: string
}

/** A provider with a POP server. */
function pop(name: string, host: string, row: Row): MailProvider {
  return provider(name, { server: { host, port: 995, tls: 'implicit' }, ...row })
}

/** A provider whose `hint` says that it has no POP, and what there is instead. */
function withoutPop(name: string, row: Required<Pick<Row, 'domains' | 'exchangers' | 'hint'>>) {
  return provider(name, row)
}

function provider(name: string, row: Row): MailProvider {
  return {
    name,
    domains: words(row.domains),
    server: row.server,
    otherHosts: words(row.others),
    exchangers: words(row.exchangers),
    user: row.user ?? 'address',
    login: row.login ?? 'password',
    oauth: row.oauth,
    hint: row.hint,
  }
}

function words(list = ''): readonly string[] {
  return list === '' ? [] : list.split(' ')
}

const APP = { login: 'app-password' } as const
const LOCAL_PART = { user: 'local-part' } as const
const ZOHO =
  'Zoho wants POP access switched on in Settings, Mail Accounts, and an application-specific password where two-factor ' +
  'login is on'
const GMX =
  'wants POP3 switched on in its settings, and an application-specific password where two-factor login is on'
const IONOS = { hint: 'IONOS wants an app password where two-factor login is on' }

export const PROVIDERS: readonly MailProvider[] = [
  pop('Gmail', 'pop.gmail.com', {
    domains: 'gmail.com googlemail.com',
    others: 'pop.googlemail.com',
    exchangers: 'google.com googlemail.com',
    ...APP,
    oauth: 'google',
    hint: 'Gmail wants an app password (https://myaccount.google.com/apppasswords) or OAuth, and POP switched on in its settings',
  }),
  pop('Microsoft', 'outlook.office365.com', {
    domains:
      'outlook.com hotmail.com live.com msn.com windowslive.com livemail.tw onmicrosoft.com office365.com ' +
      'outlook.at outlook.be outlook.cl outlook.cz outlook.de outlook.dk outlook.es outlook.fr outlook.hu outlook.ie ' +
      'outlook.in outlook.it outlook.jp outlook.kr outlook.lv outlook.my outlook.ph outlook.pt outlook.sa outlook.sg ' +
      'outlook.sk outlook.co.id outlook.co.il outlook.co.th outlook.com.ar outlook.com.au outlook.com.br outlook.com.gr ' +
      'outlook.com.tr outlook.com.vn hotmail.be hotmail.ca hotmail.cl hotmail.cz hotmail.de hotmail.dk hotmail.es ' +
      'hotmail.fi hotmail.fr hotmail.gr hotmail.hu hotmail.it hotmail.lt hotmail.lv hotmail.my hotmail.nl hotmail.no ' +
      'hotmail.ph hotmail.rs hotmail.se hotmail.sg hotmail.sk hotmail.co.id hotmail.co.il hotmail.co.in hotmail.co.jp ' +
      'hotmail.co.kr hotmail.co.th hotmail.co.uk hotmail.co.za hotmail.com.ar hotmail.com.au hotmail.com.br ' +
      'hotmail.com.hk hotmail.com.tr hotmail.com.tw hotmail.com.vn live.at live.be live.ca live.cl live.cn live.de ' +
      'live.dk live.fi live.fr live.hk live.ie live.in live.it live.jp live.nl live.no live.ru live.se live.co.jp ' +
      'live.co.kr live.co.uk live.co.za live.com.ar live.com.au live.com.mx live.com.my live.com.ph live.com.pt live.com.sg',
    others: 'pop-mail.outlook.com pop3.live.com outlook.office.com',
    exchangers: 'outlook.com mx.microsoft',
    login: 'oauth',
    oauth: 'microsoft',
    hint: 'Microsoft takes no passwords here, only OAuth (oauth = "microsoft", then popkeep login), and POP must be switched on: in Outlook.com under Mail, Forwarding and IMAP; in Microsoft 365 by the administrator',
  }),
  pop('Yahoo', 'pop.mail.yahoo.com', {
    domains:
      'yahoo.com ymail.com rocketmail.com myyahoo.com yahoo.ca yahoo.de yahoo.it yahoo.fr yahoo.es yahoo.se yahoo.co.in ' +
      'yahoo.co.uk yahoo.co.nz yahoo.com.au yahoo.com.ar yahoo.com.br yahoo.com.mx cox.net',
    exchangers: 'yahoodns.net',
    ...APP,
    hint: 'Yahoo wants an app password: https://login.yahoo.com/account/security',
  }),
  pop('Yahoo! Japan', 'pop.mail.yahoo.co.jp', { domains: 'yahoo.co.jp', ...LOCAL_PART }),
  pop('AOL', 'pop.aol.com', {
    domains:
      'aol.com aim.com netscape.net netscape.com compuserve.com cs.com wmconnect.com verizon.net aol.de aol.it aol.fr ' +
      'aol.es aol.se aol.co.uk aol.co.nz aol.com.au aol.com.ar aol.com.br aol.com.mx',
    others: 'pop.verizon.net',
    ...APP,
    hint: 'AOL, which has the Verizon mailboxes too, wants an app password: https://login.aol.com/account/security',
  }),
  pop('AT&T', 'inbound.att.net', {
    domains:
      'att.net ameritech.net bellsouth.net currently.com flash.net nvbell.net pacbell.net prodigy.net sbcglobal.net ' +
      'snet.net swbell.net wans.net',
    ...APP,
    hint: 'AT&T wants a secure mail key, made in the profile of myAT&T, in place of the password',
  }),
  pop('Xfinity', 'mail.comcast.net', {
    domains: 'comcast.net',
    others: 'pop.comcast.net',
    hint: 'Xfinity wants access by other programs switched on in the security settings of its webmail',
  }),
  pop('Spectrum', 'mobile.charter.net', { domains: 'charter.net spectrum.net bresnan.net' }),
  pop('Spectrum (Time Warner Cable)', 'mail.twc.com', { domains: 'rr.com' }),
  pop('CenturyLink', 'pop.centurylink.net', { domains: 'centurylink.net embarqmail.com' }),
  pop('EarthLink', 'pop.earthlink.net', { domains: 'earthlink.net mindspring.com ix.netcom.com' }),
  pop('Bell', 'pophm.sympatico.ca', { domains: 'bell.net sympatico.ca' }),
  pop('GoDaddy', 'pop.secureserver.net', { exchangers: 'secureserver.net' }),

  pop('GMX', 'pop.gmx.net', {
    domains: 'gmx.net gmx.de gmx.at gmx.ch gmx.eu gmx.biz gmx.org gmx.info',
    hint: `GMX ${GMX}: https://hilfe.gmx.net/pop-imap/einschalten.html`,
  }),
  pop('GMX', 'pop.gmx.com', {
    domains:
      'gmx.com gmx.us gmx.co.uk gmx.es gmx.fr gmx.it gmx.ca gmx.ie gmx.pt gmx.se gmx.li gmx.tm gmx.ru gmx.cn gmx.hk ' +
      'gmx.ph gmx.sg gmx.tw gmx.co.in gmx.com.br gmx.com.my gmx.com.tr',
    hint: `GMX ${GMX}: https://support.gmx.com/pop-imap/toggle.html`,
  }),
  pop('WEB.DE', 'pop3.web.de', {
    domains: 'web.de',
    ...LOCAL_PART,
    hint: `WEB.DE ${GMX}: https://hilfe.web.de/pop-imap/einschalten.html`,
  }),
  pop('mail.com', 'pop.mail.com', {
    domains:
      'mail.com email.com usa.com post.com mail.org consultant.com engineer.com europe.com london.com myself.com ' +
      'writeme.com iname.com dr.com techie.com linuxmail.org accountant.com cheerful.com programmer.net lawyer.com ' +
      'doctor.com null.net asia-mail.com berlin.com munich.com',
    hint: 'mail.com wants POP3 switched on in its settings, which not every plan offers',
  }),
  pop('T-Online', 'securepop.t-online.de', {
    domains: 't-online.de magenta.de',
    ...APP,
    hint: 'T-Online wants the password for mail programs, which is another than that of the login: https://www.telekom.de/hilfe/apps-dienste/e-mail/programme/passwort-verwalten',
  }),
  pop('IONOS', 'pop.ionos.de', {
    domains: 'online.de onlinehome.de sofort-start.de sofortstart.de sofort-surf.de sofortsurf.de',
    others: 'pop.1und1.de pop.kundenserver.de',
    exchangers: 'ionos.de kundenserver.de',
    ...IONOS,
  }),
  pop('IONOS', 'pop.ionos.com', { exchangers: 'ionos.com 1and1.com', ...IONOS }),
  pop('IONOS', 'pop.ionos.co.uk', { exchangers: 'ionos.co.uk 1and1.co.uk', ...IONOS }),
  pop('IONOS', 'pop.ionos.fr', { exchangers: 'ionos.fr 1and1.fr', ...IONOS }),
  pop('freenet', 'mx.freenet.de', {
    domains: 'freenet.de',
    hint: 'freenet wants POP3/IMAP/SMTP switched on in the settings of the mailbox',
  }),
  pop('Vodafone', 'pop3.vodafonemail.de', { domains: 'vodafonemail.de arcor.de kabelmail.de' }),
  pop('STRATO', 'pop3.strato.de', { domains: 'strato.de', exchangers: 'rzone.de' }),
  pop('DomainFactory', 'sslin.df.eu', { exchangers: 'ispgateway.de' }),
  pop('Posteo', 'posteo.de', {
    domains:
      'posteo.de posteo.at posteo.be posteo.ch posteo.co posteo.co.uk posteo.com posteo.cz posteo.dk posteo.es posteo.eu ' +
      'posteo.fi posteo.gr posteo.hu posteo.ie posteo.is posteo.it posteo.li posteo.lt posteo.lu posteo.me posteo.net ' +
      'posteo.nl posteo.no posteo.org posteo.pl posteo.pt posteo.ro posteo.se posteo.si posteo.uk posteo.us',
  }),
  pop('mailbox.org', 'pop3.mailbox.org', {
    domains: 'mailbox.org',
    exchangers: 'mailbox.org',
    hint: 'mailbox.org wants an application password (All settings, Security) where two-factor login is on',
  }),
  pop('Bluewin', 'pop3s.bluewin.ch', { domains: 'bluewin.ch bluemail.ch' }),

  pop('Fastmail', 'pop.fastmail.com', {
    domains:
      'fastmail.com fastmail.fm fastmail.cn fastmail.co.uk fastmail.com.au fastmail.de fastmail.es fastmail.fr fastmail.im ' +
      'fastmail.in fastmail.jp fastmail.mx fastmail.net fastmail.nl fastmail.org fastmail.se fastmail.to fastmail.tw ' +
      'fastmail.uk fastmail.us',
    others: 'mail.messagingengine.com',
    exchangers: 'messagingengine.com',
    ...APP,
    hint: 'Fastmail wants an app password with access to POP: Settings, Privacy & Security, App passwords',
  }),
  pop('Runbox', 'mail.runbox.com', {
    domains: 'runbox.com runbox.no runbox.us',
    others: 'secure.runbox.com',
    ...LOCAL_PART,
    hint: 'Runbox takes the name before the @ as user, and name%domain for a domain of your own',
  }),
  pop('Zoho', 'pop.zoho.com', { domains: 'zoho.com zohomail.com', hint: ZOHO }),
  pop('Zoho', 'poppro.zoho.com', { exchangers: 'zoho.com', hint: ZOHO }),
  pop('Zoho', 'pop.zoho.eu', { domains: 'zoho.eu zohomail.eu', hint: ZOHO }),
  pop('Zoho', 'pop.zoho.in', { domains: 'zoho.in zohomail.in', hint: ZOHO }),
  pop('Zoho', 'poppro.zoho.in', { exchangers: 'zoho.in', hint: ZOHO }),
  pop('Zoho', 'pop.zoho.com.au', { domains: 'zoho.com.au zohomail.com.au', hint: ZOHO }),
  pop('Zoho', 'pop.zohocloud.ca', { domains: 'zohocloud.ca zohomailcloud.ca', hint: ZOHO }),
  pop('Gandi', 'mail.gandi.net', { exchangers: 'mail.gandi.net' }),
  pop('OVHcloud', 'ssl0.ovh.net', {
    exchangers: 'mail.ovh.net',
    hint: 'OVHcloud takes the whole address as user, and cuts off who logs in more than once a minute',
  }),

  pop('Orange', 'pop.orange.fr', {
    domains: 'orange.fr wanadoo.fr',
    hint: 'Orange wants access by mail programs permitted in the settings of its webmail',
  }),
  pop('Free', 'pop.free.fr', { domains: 'free.fr', ...LOCAL_PART }),
  pop('La Poste', 'pop.laposte.net', {
    domains: 'laposte.net',
    ...LOCAL_PART,
    hint: 'La Poste wants access by mail programs permitted in the settings of its webmail',
  }),
  pop('SFR', 'pop.sfr.fr', { domains: 'sfr.fr neuf.fr club-internet.fr' }),
  pop('BT', 'mail.btinternet.com', { domains: 'btinternet.com btopenworld.com talk21.com' }),
  pop('Sky', 'pop.tools.sky.com', { domains: 'sky.com' }),
  pop('Virgin Media', 'pop3.virginmedia.com', {
    domains: 'virginmedia.com',
    ...APP,
    hint: 'Virgin Media wants an app password, made in the settings of its webmail',
  }),
  pop('Virgin Media', 'pop3.blueyonder.co.uk', { domains: 'blueyonder.co.uk', ...APP }),
  pop('Virgin Media', 'pop3.ntlworld.com', { domains: 'ntlworld.com', ...APP }),
  pop('Virgin Media', 'pop.virgin.net', { domains: 'virgin.net', ...APP }),
  pop('Proximus', 'pop.proximus.be', { domains: 'proximus.be skynet.be belgacom.net kidcity.be' }),
  pop('Telenet', 'pop.telenet.be', { domains: 'telenet.be' }),
  pop('KPN', 'pop.kpnmail.nl', {
    domains:
      'kpnmail.nl kpnplanet.nl planet.nl wxs.nl hetnet.nl freeler.nl snelnet.net onsbrabantnet.nl onsmail.nl onsnet.nu ' +
      'xs4all.nl telfort.nl tip.nl tiscali.nl tiscalimail.nl',
  }),
  pop('Ziggo', 'pop.ziggo.nl', {
    domains:
      'ziggo.nl ziggomail.com casema.nl upcmail.nl chello.nl multiweb.nl home.nl quicknet.nl',
  }),

  pop('Libero', 'popmail.libero.it', { domains: 'libero.it iol.it inwind.it blu.it giallo.it' }),
  pop('Virgilio', 'in.virgilio.it', { domains: 'virgilio.it' }),
  pop('TIM', 'pop.tim.it', {
    domains: 'tim.it',
    server: { host: 'pop.tim.it', port: 110, tls: 'stls' },
  }),
  pop('TIM', 'in.alice.it', {
    domains: 'alice.it',
    server: { host: 'in.alice.it', port: 110, tls: 'stls' },
  }),
  pop('Tiscali', 'pop.tiscali.it', { domains: 'tiscali.it' }),
  pop('Fastweb', 'pop.fastwebnet.it', { domains: 'fastwebnet.it' }),
  pop('Aruba', 'pop3s.aruba.it', { domains: 'aruba.it', others: 'pop3.aruba.it' }),
  pop('SAPO', 'pop.sapo.pt', { domains: 'sapo.pt meo.pt' }),
  pop('UOL', 'pop3.uol.com.br', { domains: 'uol.com.br', ...LOCAL_PART }),
  pop('BOL', 'pop3.bol.com.br', { domains: 'bol.com.br', ...LOCAL_PART }),

  pop('WP', 'pop3.wp.pl', {
    domains: 'wp.pl',
    ...LOCAL_PART,
    hint: 'WP wants POP3 switched on in the settings of the mailbox',
  }),
  pop('o2', 'poczta.o2.pl', {
    domains: 'o2.pl go2.pl tlen.pl prokonto.pl',
    ...LOCAL_PART,
    hint: 'o2 wants POP3 switched on in the settings of the mailbox',
  }),
  pop('Onet', 'pop3.poczta.onet.pl', {
    domains:
      'onet.pl onet.eu poczta.onet.pl poczta.onet.eu op.pl vp.pl autograf.pl buziaczek.pl amorki.pl republika.pl ' +
      'adres.pl cyberia.pl onet.com.pl opoczta.pl pseudonim.pl spoko.pl vip.onet.pl',
    hint: 'Onet wants POP3 switched on in the settings of the mailbox',
  }),
  pop('Seznam', 'pop3.seznam.cz', {
    domains: 'seznam.cz email.cz post.cz spoluzaci.cz',
    hint: 'Seznam wants access by POP3 permitted in its settings, and a password for programs where two-step login is on',
  }),
  pop('Yandex', 'pop.yandex.com', {
    domains: 'yandex.ru yandex.com yandex.net yandex.by yandex.kz yandex.ua ya.ru narod.ru',
    others: 'pop.yandex.ru',
    exchangers: 'mx.yandex.net',
    ...APP,
    hint: 'Yandex wants an app password for mail (https://id.yandex.com/security/app-passwords), and POP3 switched on in its settings',
  }),
  pop('Mail.ru', 'pop.mail.ru', {
    domains: 'mail.ru inbox.ru list.ru bk.ru internet.ru',
    ...APP,
    hint: 'Mail.ru wants a password for external programs: https://help.mail.ru/mail/security/protection/external',
  }),
  pop('Rambler', 'pop.rambler.ru', {
    domains: 'rambler.ru',
    hint: 'Rambler wants access by mail programs switched on in its settings',
  }),

  pop('Telstra', 'pop.telstra.com', {
    domains: 'bigpond.com bigpond.net.au bigpond.net telstra.com',
  }),
  pop('Xtra', 'pop3.xtra.co.nz', { domains: 'xtra.co.nz' }),
  pop('NAVER', 'pop.naver.com', {
    domains: 'naver.com',
    hint: 'NAVER wants POP3 switched on in its settings, and an application password where two-step login is on',
  }),
  pop('Rediffmail', 'pop.rediffmail.com', { domains: 'rediffmail.com' }),

  withoutPop('iCloud', {
    domains: 'icloud.com me.com mac.com',
    exchangers: 'mail.icloud.com',
    hint: 'iCloud Mail has no POP, only IMAP; popkeep cannot fetch it',
  }),
  withoutPop('Proton Mail', {
    domains: 'proton.me protonmail.com protonmail.ch pm.me',
    exchangers: 'protonmail.ch',
    hint: 'Proton Mail has no POP: its Bridge speaks IMAP and SMTP only, so popkeep cannot fetch it',
  }),
  withoutPop('Tuta', {
    domains: 'tuta.com tuta.io tutanota.com tutanota.de tutamail.com keemail.me',
    exchangers: 'tutanota.de',
    hint: 'Tuta has neither POP nor IMAP; popkeep cannot fetch it',
  }),
]
