//! Requests as domain types. Every offending field is named, not just the first.

use turbomessage_proto::mail_v1::{
    self as proto, CreateDraftRequest, ListMessagesRequest, MessageView, ModifyMessagesRequest,
    SendMessageRequest, UpdateDraftRequest,
};
use turbomessage_service_kit::{
    clock::Timestamp,
    fields::Fields,
    problem::{Problem, Rule},
};
use uuid::Uuid;

use crate::{
    commit::{Modify, Place},
    domain::{
        Body, Draft, FolderRole, MAX_CHANGED, MAX_DELAY, PageSize, Recipients, RequestId,
        parse_labels, parse_name,
    },
};

pub(super) fn send(
    request: SendMessageRequest,
    now: Timestamp,
) -> Result<(Option<RequestId>, Draft), Problem> {
    not_served("attachment_ids", !request.attachment_ids.is_empty())?;
    let mut fields = Fields::new();
    let id = fields.optional_id("request_id", &request.request_id);
    let named = request.to.len() + request.cc.len() + request.bcc.len();
    let draft = content(&mut fields, request, now);
    draft.check_complete(&mut fields, named);
    fields.finish()?;
    let fingerprint = draft.fingerprint();
    Ok((id.map(|id| RequestId { id, fingerprint }), draft))
}

pub(super) fn create_draft(
    request: CreateDraftRequest,
    now: Timestamp,
) -> Result<(Option<RequestId>, Draft), Problem> {
    not_served("attachment_ids", !request.attachment_ids.is_empty())?;
    let mut fields = Fields::new();
    let id = fields.optional_id("request_id", &request.request_id);
    let draft = content(&mut fields, of_create(request), now);
    fields.finish()?;
    let fingerprint = draft.fingerprint_as_draft(None);
    Ok((id.map(|id| RequestId { id, fingerprint }), draft))
}

type Replaced = (Uuid, String);

pub(super) fn update_draft(
    request: UpdateDraftRequest,
    now: Timestamp,
) -> Result<(Option<RequestId>, Draft, Replaced), Problem> {
    not_served("attachment_ids", !request.attachment_ids.is_empty())?;
    let mut fields = Fields::new();
    let id = fields.optional_id("request_id", &request.request_id);
    let message_id = fields.id("message_id", &request.message_id);
    let etag = request.etag.clone();
    if etag.is_empty() {
        fields.reject("etag", Rule::Required);
    }
    let draft = content(&mut fields, of_update(request), now);
    fields.finish()?;
    let message_id = message_id.unwrap_or_default();
    let fingerprint = draft.fingerprint_as_draft(Some((message_id, &etag)));
    let request_id = id.map(|id| RequestId { id, fingerprint });
    Ok((request_id, draft, (message_id, etag)))
}

fn of_create(request: CreateDraftRequest) -> SendMessageRequest {
    SendMessageRequest {
        request_id: request.request_id,
        to: request.to,
        cc: request.cc,
        bcc: request.bcc,
        subject: request.subject,
        body: request.body,
        in_reply_to: request.in_reply_to,
        attachment_ids: request.attachment_ids,
        labels: request.labels,
        deliver_time: request.deliver_time,
        forward_of: request.forward_of,
    }
}

fn of_update(request: UpdateDraftRequest) -> SendMessageRequest {
    SendMessageRequest {
        request_id: request.request_id,
        to: request.to,
        cc: request.cc,
        bcc: request.bcc,
        subject: request.subject,
        body: request.body,
        in_reply_to: request.in_reply_to,
        attachment_ids: request.attachment_ids,
        labels: request.labels,
        deliver_time: request.deliver_time,
        forward_of: request.forward_of,
    }
}

/// The content of a message, which three requests have in common.
fn content(fields: &mut Fields, request: SendMessageRequest, now: Timestamp) -> Draft {
    let recipients = Recipients::parse(fields, &request.to, &request.cc, &request.bcc);
    let in_reply_to = fields.optional_id("in_reply_to", &request.in_reply_to);
    let forward_of = fields.optional_id("forward_of", &request.forward_of);
    let body = request.body.unwrap_or_default();
    let deliver_time = request.deliver_time;
    let draft = Draft {
        recipients,
        subject: request.subject,
        body: Body {
            text: body.text,
            html: body.html,
        },
        in_reply_to,
        forward_of,
        labels: parse_labels(fields, "labels", &request.labels),
        deliver_time: deliver_time
            .and_then(|time| fields.accept("deliver_time", deliver(time, now))),
    };
    draft.check(fields);
    draft
}

/// The first that a `google.protobuf.Timestamp` can name: the beginning of the year 1.
const FIRST_SECOND: i64 = -62_135_596_800;

fn deliver(time: prost_types::Timestamp, now: Timestamp) -> Result<Timestamp, Rule> {
    let in_range = (0..1_000_000_000).contains(&time.nanos);
    let micros = time.seconds.checked_mul(1_000_000);
    let micros = micros.and_then(|m| m.checked_add(i64::from(time.nanos / 1000)));
    let in_range = in_range && time.seconds >= FIRST_SECOND;
    let time = micros.filter(|_| in_range).ok_or(Rule::NotATime)?;
    let time = Timestamp::from_micros(time);
    if time > now.plus(MAX_DELAY) {
        return Err(Rule::TooFarAhead);
    }
    Ok(time)
}

pub(super) fn page_size(size: i32) -> Result<PageSize, Problem> {
    PageSize::parse(size).map_err(|rule| Problem::field("page_size", rule))
}

pub(super) fn create_folder(
    request: &proto::CreateFolderRequest,
) -> Result<(Option<Uuid>, String), Problem> {
    let mut fields = Fields::new();
    let request_id = fields.optional_id("request_id", &request.request_id);
    let name = fields.accept("name", parse_name(&request.name));
    fields.finish()?;
    Ok((request_id, name.unwrap_or_default()))
}

pub(super) fn update_folder(
    request: &proto::UpdateFolderRequest,
) -> Result<(Option<Uuid>, Uuid, String), Problem> {
    let mut fields = Fields::new();
    let request_id = fields.optional_id("request_id", &request.request_id);
    let id = fields.id("folder_id", &request.folder_id);
    let name = fields.accept("name", parse_name(&request.name));
    fields.finish()?;
    Ok((request_id, id.unwrap_or_default(), name.unwrap_or_default()))
}

pub(super) fn thread(request: &proto::GetThreadRequest) -> Result<(Uuid, PageSize, bool), Problem> {
    let mut fields = Fields::new();
    let id = fields.id("thread_id", &request.thread_id);
    let full = view(&mut fields, request.view);
    let size = fields.accept("page_size", PageSize::parse(request.page_size));
    fields.finish()?;
    Ok((id.unwrap_or_default(), size.unwrap_or_default(), full))
}

/// A field that the contract names and this version does not serve.
fn not_served(field: &'static str, given: bool) -> Result<(), Problem> {
    if given {
        Err(Problem::not_served(field))
    } else {
        Ok(())
    }
}

/// Whether the text is wanted, where it is unless told otherwise.
pub(super) fn view(fields: &mut Fields, view: i32) -> bool {
    match MessageView::try_from(view) {
        Ok(MessageView::Unspecified | MessageView::Full) => true,
        Ok(MessageView::Basic) => false,
        Err(_) => {
            fields.reject("view", Rule::UnknownValue);
            false
        }
    }
}

type Listed = (Place, PageSize, Option<String>);

pub(super) fn list(request: &ListMessagesRequest) -> Result<Listed, Problem> {
    let mut fields = Fields::new();
    let label = (!request.label.is_empty()).then_some(&request.label);
    let label = label.and_then(|label| fields.accept("label", parse_name(label)));
    let (id, role) = (&request.folder_id, request.folder_role);
    let (place, size) = listed(fields, (id, role), request.page_size)?;
    Ok((place, size, label))
}

pub(super) fn list_threads(
    request: &proto::ListThreadsRequest,
) -> Result<(Place, PageSize), Problem> {
    let (id, role) = (&request.folder_id, request.folder_role);
    listed(Fields::new(), (id, role), request.page_size)
}

/// The folder that a list is of, and the size of its pages.
fn listed(
    mut fields: Fields,
    (id, role): (&str, i32),
    size: i32,
) -> Result<(Place, PageSize), Problem> {
    let place = place(&mut fields, ["folder_id", "folder_role"], id, role);
    if id.is_empty() && role == 0 {
        fields.reject("folder_id", Rule::Required);
    }
    let size = fields.accept("page_size", PageSize::parse(size));
    fields.finish()?;
    let missing = || Problem::field("folder_id", Rule::Required);
    Ok((place.ok_or_else(missing)?, size.unwrap_or_default()))
}

pub(super) fn modify(owner_id: Uuid, request: ModifyMessagesRequest) -> Result<Modify, Problem> {
    let mut fields = Fields::new();
    let message_ids = fields.ids("message_ids", &request.message_ids, MAX_CHANGED);
    let names = ["move_to_folder_id", "move_to_folder_role"];
    let place = place(
        &mut fields,
        names,
        &request.move_to_folder_id,
        request.move_to_folder_role,
    );
    let add_labels = parse_labels(&mut fields, "add_labels", &request.add_labels);
    let remove_labels = parse_labels(&mut fields, "remove_labels", &request.remove_labels);
    if add_labels.iter().any(|label| remove_labels.contains(label)) {
        fields.reject("remove_labels", Rule::NotTogether("add_labels"));
    }
    if request.etag.is_some() && message_ids.len() > 1 {
        fields.reject("etag", Rule::OnlyWithOne("message_ids"));
    }
    fields.finish()?;
    Ok(Modify {
        owner_id,
        message_ids,
        read: request.set_read,
        starred: request.set_starred,
        place,
        add_labels,
        remove_labels,
        etag: request.etag,
    })
}

/// A folder by id or by role, not both; none if neither is given.
fn place(fields: &mut Fields, names: [&'static str; 2], id: &str, role: i32) -> Option<Place> {
    let by_id = fields.optional_id(names[0], id).map(Place::Folder);
    let by_role = match proto::FolderRole::try_from(role) {
        Ok(proto::FolderRole::Unspecified) => None,
        Ok(role) => FolderRole::from_number(role as i16).map(Place::Role),
        Err(_) => {
            fields.reject(names[1], Rule::UnknownValue);
            None
        }
    };
    if !id.is_empty() && by_role.is_some() {
        fields.reject(names[1], Rule::NotTogether(names[0]));
    }
    by_id.or(by_role)
}

#[cfg(test)]
mod tests {
    use turbomessage_service_kit::problem::Reason;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000);

    #[test]
    fn a_message_waits_a_year_at_the_most() {
        let at = |seconds| deliver(prost_types::Timestamp { seconds, nanos: 0 }, NOW);
        let year = 366 * 24 * 60 * 60;
        assert_eq!(at(1 + year), Ok(NOW.plus(MAX_DELAY)));
        assert_eq!(at(2 + year), Err(Rule::TooFarAhead));
        assert_eq!(at(i64::MAX), Err(Rule::NotATime));
        assert!(at(-5).is_ok(), "what is past is due at once");
        assert!(at(FIRST_SECOND).is_ok());
        assert_eq!(at(FIRST_SECOND - 1), Err(Rule::NotATime));
    }

    #[test]
    fn a_draft_needs_nothing_but_the_etag_of_what_it_replaces() {
        assert!(create_draft(CreateDraftRequest::default(), NOW).is_ok());
        let fields = fields_of(update_draft(UpdateDraftRequest::default(), NOW));
        assert_eq!(fields, ["message_id", "etag"]);
    }

    fn fields_of<T: std::fmt::Debug>(result: Result<T, Problem>) -> Vec<String> {
        let problem = result.unwrap_err();
        assert_eq!(problem.reason(), Reason::FieldInvalid);
        problem
            .violations()
            .iter()
            .map(|v| v.field.clone())
            .collect()
    }

    #[test]
    fn the_numbers_of_roles_are_those_of_the_contract() {
        for role in FolderRole::ALL {
            let theirs = proto::FolderRole::try_from(i32::from(role as i16)).unwrap();
            let name = format!("FOLDER_ROLE_{}", role.name().to_uppercase());
            assert_eq!(theirs.as_str_name(), name);
        }
    }

    #[test]
    fn every_offending_field_of_a_send_is_named() {
        let request = SendMessageRequest {
            request_id: "x".into(),
            to: vec!["bob".into(), "?".into()],
            subject: "a\r\nb".into(),
            in_reply_to: "y".into(),
            body: Some(proto::Body {
                text: "\0".into(),
                html: String::new(),
            }),
            forward_of: "z".into(),
            labels: vec![" x".into()],
            deliver_time: Some(prost_types::Timestamp {
                seconds: 0,
                nanos: -1,
            }),
            ..Default::default()
        };
        assert_eq!(
            fields_of(send(request, NOW)),
            [
                "request_id",
                "to[1]",
                "in_reply_to",
                "forward_of",
                "labels[0]",
                "deliver_time",
                "subject",
                "body.text"
            ]
        );
    }

    #[test]
    fn what_is_not_served_says_so() {
        let request = SendMessageRequest {
            attachment_ids: vec!["x".into()],
            ..Default::default()
        };
        let problem = send(request, NOW).unwrap_err();
        assert_eq!(problem.reason(), Reason::MethodUnknown);
        assert_eq!(problem.metadata("field"), Some("attachment_ids"));
    }

    #[test]
    fn a_folder_is_named_once() {
        let id = Uuid::from_u128(1).to_string();
        let role = proto::FolderRole::Inbox as i32;
        let request = |folder_id: &str, folder_role, page_size| ListMessagesRequest {
            folder_id: folder_id.into(),
            folder_role,
            page_size,
            ..Default::default()
        };
        assert!(list(&request(&id, 0, 0)).is_ok());
        assert!(list(&request("", role, 0)).is_ok());
        assert_eq!(fields_of(list(&request(&id, role, 0))), ["folder_role"]);
        assert_eq!(
            fields_of(list(&request("", 0, -1))),
            ["folder_id", "page_size"]
        );
        assert_eq!(
            fields_of(list(&request("x", 99, 0))),
            ["folder_id", "folder_role"]
        );
    }

    #[test]
    fn an_etag_goes_with_one_message() {
        let ids = |n: u128| (0..n).map(|n| Uuid::from_u128(n).to_string()).collect();
        let request = |n| ModifyMessagesRequest {
            message_ids: ids(n),
            etag: Some("1".into()),
            ..Default::default()
        };
        assert!(modify(Uuid::nil(), request(1)).is_ok());
        assert_eq!(fields_of(modify(Uuid::nil(), request(2))), ["etag"]);
        assert_eq!(fields_of(modify(Uuid::nil(), request(0))), ["message_ids"]);
        assert_eq!(
            fields_of(modify(Uuid::nil(), request(1001))),
            ["message_ids"]
        );
    }
}
