//! Who gets in, and what those hear who do not.

mod edge;
pub(crate) mod ending;
mod flood;
mod hygiene;
mod passwords;
mod secrets;
mod sessions;
mod strangers;
mod tickets;

/// The methods' paths, for calls below the generated clients.
pub(crate) mod paths {
    pub(crate) const LOGIN: &str = "/turbomessage.auth.v1.AuthService/Login";
    pub(crate) const ACCOUNT: &str = "/turbomessage.auth.v1.AuthService/GetAccount";
    pub(crate) const MAILBOX: &str = "/turbomessage.mail.v1.MailService/GetMailbox";
}
