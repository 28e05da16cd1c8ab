//! What each reason is called in each language: one sentence that says what to do next. `{key}`
//! stands for the value in the error's metadata.

use super::Reason;
use crate::language::Language;

/// The template for `reason`.
pub(super) const fn template(reason: Reason, language: Language) -> &'static str {
    let (english, spanish) = both(reason);
    match language {
        Language::English => english,
        Language::Spanish => spanish,
    }
}

/// `template` with its keys replaced by what `lookup` knows; an unknown key becomes nothing.
pub(super) fn fill(template: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (key, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        out.push_str(&lookup(key).unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    out
}

#[expect(
    clippy::too_many_lines,
    reason = "a table, a line or two for each reason"
)]
const fn both(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::SessionInvalid => (
            "Your session is missing or has ended: log in again.",
            "Tu sesión falta o ha terminado: vuelve a iniciar sesión.",
        ),
        Reason::CredentialsInvalid => (
            "The username or the password is wrong: check both and try again.",
            "El nombre de usuario o la contraseña no son correctos: revísalos e inténtalo de nuevo.",
        ),
        Reason::FieldInvalid => (
            "Correct these fields and try again: {fields}.",
            "Corrige estos campos e inténtalo de nuevo: {fields}.",
        ),
        Reason::PasswordTooWeak => (
            "This password is too easy to guess: {fields}.",
            "Esta contraseña es demasiado fácil de adivinar: {fields}.",
        ),
        Reason::PageTokenInvalid => (
            "The page token does not belong to this list: start again from the first page.",
            "El testigo de página no pertenece a esta lista: empieza de nuevo por la primera página.",
        ),
        Reason::StateInvalid => (
            "The state is none that this mailbox handed out: start again without one.",
            "El estado no es de este buzón: empieza de nuevo sin él.",
        ),
        Reason::QueryInvalid => (
            "The search cannot be read at position {position}: correct it and try again.",
            "La búsqueda no se entiende en la posición {position}: corrígela e inténtalo de nuevo.",
        ),
        Reason::MessageNotFound => (
            "There is no such message: it may have been deleted, list the folder again.",
            "No existe ese mensaje: puede haberse eliminado, vuelve a listar la carpeta.",
        ),
        Reason::ThreadNotFound => (
            "There is no such conversation: list them again.",
            "No existe esa conversación: vuelve a listarlas.",
        ),
        Reason::FolderNotFound => (
            "There is no such folder: list the folders again.",
            "No existe esa carpeta: vuelve a listar las carpetas.",
        ),
        Reason::SessionNotFound => (
            "There is no such session: it may have ended, list the sessions again.",
            "No existe esa sesión: puede haber terminado, vuelve a listarlas.",
        ),
        Reason::AttachmentNotFound => (
            "There is no such attachment: read the message again.",
            "No existe ese adjunto: vuelve a leer el mensaje.",
        ),
        Reason::RuleNotFound => (
            "There is no such rule: list the rules again.",
            "No existe esa regla: vuelve a listarlas.",
        ),
        Reason::RecipientNotFound => (
            "Nothing was sent: nobody is called {recipients}; correct the recipients and try again.",
            "No se ha enviado nada: nadie se llama {recipients}; corrige los destinatarios e inténtalo de nuevo.",
        ),
        Reason::UsernameTaken => (
            "This username is taken: choose another.",
            "Ese nombre de usuario ya está en uso: elige otro.",
        ),
        Reason::FolderNameTaken => (
            "There is a folder of this name already: choose another.",
            "Ya existe una carpeta con ese nombre: elige otro.",
        ),
        Reason::RequestIdReused => (
            "This request id belongs to an earlier call with other content: use a new one.",
            "Ese identificador pertenece a una llamada anterior con otro contenido: usa uno nuevo.",
        ),
        Reason::FolderProtected => (
            "This folder does not allow that: choose another folder.",
            "Esa carpeta no lo permite: elige otra carpeta.",
        ),
        Reason::NotADraft => (
            "This message is not a draft: choose one from the Drafts folder.",
            "Ese mensaje no es un borrador: elige uno de la carpeta Borradores.",
        ),
        Reason::AlreadyDelivered => (
            "This message has been delivered already and cannot be taken back.",
            "Ese mensaje ya se ha entregado y no puede retirarse.",
        ),
        Reason::EtagMismatch => (
            "This has changed since you read it: read it again, then repeat your change.",
            "Ha cambiado desde que lo leíste: vuelve a leerlo y repite el cambio.",
        ),
        Reason::HistoryExpired => (
            "Changes this old are no longer kept: read the mailbox anew.",
            "Los cambios tan antiguos ya no se conservan: vuelve a leer el buzón.",
        ),
        Reason::MailboxFull => (
            "Nothing was sent: the mailbox of {recipients} is full; try again when there is room.",
            "No se ha enviado nada: el buzón de {recipients} está lleno; inténtalo cuando haya sitio.",
        ),
        Reason::RateLimited => (
            "Too many attempts: wait a little, then try again.",
            "Demasiados intentos: espera un poco e inténtalo de nuevo.",
        ),
        Reason::Overloaded => (
            "The server is busy and did nothing: try again in a moment.",
            "El servidor está ocupado y no ha hecho nada: inténtalo de nuevo en un momento.",
        ),
        Reason::TooLarge => (
            "The request is larger than the server accepts: send less at once.",
            "La petición es mayor de lo que el servidor acepta: envía menos a la vez.",
        ),
        Reason::LimitReached => (
            "The mailbox has as many of these as it may have: delete some first.",
            "El buzón ya tiene el máximo permitido: elimina alguno antes.",
        ),
        Reason::UpstreamUnavailable => (
            "A part of the system does not answer: try again in a moment.",
            "Una parte del sistema no responde: inténtalo de nuevo en un momento.",
        ),
        Reason::StoreUnavailable => (
            "The storage does not answer: try again in a moment, with the same request id if you gave one.",
            "El almacenamiento no responde: inténtalo de nuevo en un momento, con el mismo identificador si diste uno.",
        ),
        Reason::ShuttingDown => (
            "This server is stopping: try again, another will answer.",
            "Este servidor se está deteniendo: inténtalo de nuevo, otro responderá.",
        ),
        Reason::MethodUnknown => (
            "This server does not offer that{field_note}: check the name and the versions of client and server.",
            "Este servidor no ofrece eso{field_note}: revisa el nombre y las versiones de cliente y servidor.",
        ),
        Reason::DeadlineExceeded => (
            "The call took too long and may still have taken effect: try again, with the same request id if you gave one.",
            "La llamada tardó demasiado y puede haber surtido efecto: inténtalo de nuevo, con el mismo identificador si diste uno.",
        ),
        Reason::Internal => (
            "Something went wrong on the server: try again, and report the request id if it stays.",
            "Algo ha fallado en el servidor: inténtalo de nuevo y comunica el identificador si persiste.",
        ),
        Reason::Cancelled => (
            "The call was given up before it was answered: try again.",
            "La llamada se abandonó antes de recibir respuesta: inténtalo de nuevo.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use turbomessage_proto::common_v1::ErrorReason;

    use super::*;

    #[test]
    fn the_reasons_are_those_of_the_contract() {
        let ours: Vec<String> = Reason::ALL
            .iter()
            .map(|r| format!("ERROR_REASON_{}", r.name()))
            .collect();
        let theirs: Vec<String> = (1..)
            .map_while(|n| ErrorReason::try_from(n).ok())
            .map(|r| r.as_str_name().to_owned())
            .collect();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn every_reason_has_its_own_sentence_in_every_language() {
        let mut seen = std::collections::HashSet::new();
        for &reason in Reason::ALL {
            for language in Language::ALL {
                let text = template(reason, language);
                assert!(
                    text.ends_with('.') && text.len() > 20,
                    "{reason:?} {language:?}: {text}"
                );
                assert!(
                    seen.insert(text),
                    "{reason:?} {language:?} repeats a sentence"
                );
                assert_eq!(text.matches('{').count(), text.matches('}').count());
            }
        }
    }

    #[test]
    fn both_languages_name_the_same_facts() {
        for &reason in Reason::ALL {
            let keys = |language| {
                template(reason, language)
                    .split('{')
                    .skip(1)
                    .filter_map(|part| part.split('}').next())
                    .collect::<Vec<_>>()
            };
            assert_eq!(
                keys(Language::English),
                keys(Language::Spanish),
                "{reason:?}"
            );
        }
    }

    #[test]
    fn unknown_keys_become_nothing() {
        assert_eq!(
            fill("a {x} b {y}.", |k| (k == "x").then(|| "1".into())),
            "a 1 b ."
        );
        assert_eq!(fill("a {x", |_| None), "a ");
    }
}
