//! Tokens in paths, where a body repeats them.

use meshhook_verify::{Headers, Scheme};

/// Makes the token in the path unreadable wherever a body repeats it: Xcode Cloud writes the address that it posts to
/// into what it posts, and bodies are kept and read into messages.
pub(crate) fn hide(scheme: Scheme, headers: &dyn Headers, body: &mut [u8]) {
    if scheme == Scheme::PathToken {
        for name in scheme.security_headers() {
            headers.each(name, &mut |token| overwrite(body, token));
        }
    }
}

fn overwrite(body: &mut [u8], secret: &[u8]) {
    let mut from = 0;
    while let Some(rest) = body.get_mut(from..from + secret.len()) {
        if rest == secret {
            rest.fill(b'*');
        }
        from += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_hidden_wherever_it_stands() {
        let hidden = |scheme, body: &str| {
            let mut body = body.to_owned().into_bytes();
            hide(scheme, &[(":path-token", "t0ken")], &mut body);
            String::from_utf8(body).unwrap()
        };
        assert_eq!(hidden(Scheme::PathToken, "t0kent0ken/t0ke/t0ken"), "**********/t0ke/*****");
        assert_eq!(hidden(Scheme::PathToken, ""), "");
        assert_eq!(hidden(Scheme::Bearer, "t0ken"), "t0ken");
    }
}
